# SPDX-License-Identifier: Apache-2.0
"""Each rule of tidy.py finds what it is for: a small tree, one breach at a time."""
import pathlib
import tempfile
import unittest

import tidy

HEAD = tidy.SPDX + "\n/* x.c: a file. */\n"
CMAKE = "k2_layer(core LINK z)\nk2_layer(trade ABOVE core LINK y)\nk2_program(k2 src/main/k2.c trade)\n"


class Rules(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.write("CMakeLists.txt", CMAKE)
        self.write("src/core/x.h", HEAD)
        self.write("src/trade/y.h", HEAD)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def breaches(self, name, text):
        self.write(name, text)
        return tidy.Tidy(self.root).run()

    def assert_found(self, name, text, what):
        found = self.breaches(name, text)
        self.assertEqual(len(found), 1, found)
        self.assertIn(what, found[0])

    def test_a_good_tree_has_no_breach(self):
        body = 'int f(void)\n{\n    return 0; /* assert(strtod) */\n}\n'
        self.assertEqual(self.breaches("src/trade/x.c", HEAD + '#include "core/x.h"\n' + body), [])
        self.assertEqual(self.breaches("src/main/k2.c", HEAD + '#include "trade/y.h"\n'), [])

    def test_a_file_begins_with_licence_and_comment(self):
        self.assert_found("src/core/x.c", "/* x.c: a file. */\n", "does not begin")
        self.assert_found("src/core/x.c", tidy.SPDX + "\nint x;\n", "no comment")

    def test_a_layer_knows_only_those_above_it(self):
        self.assert_found("src/core/x.c", HEAD + '#include "trade/y.h"\n', "core must not know")
        self.assert_found("src/core/x.c", HEAD + '#include "x.h"\n', "not written from src/")

    def test_a_folder_without_a_layer_is_found(self):
        self.assert_found("src/other/x.c", HEAD, "no layer")

    def test_words_that_must_not_be_there(self):
        self.assert_found("src/core/x.c", HEAD + "int x(void) { assert(1); }\n", "ASSERT")
        self.assert_found("src/core/x.c", HEAD + "int x = atof(text);\n", "double")
        self.assertEqual(self.breaches("src/core/x.c", HEAD + "double x;\nASSERT(1);\n"), [])
        self.assert_found("src/trade/x.c", HEAD + "static double x;\n", "no price")

    def test_long_files_and_functions(self):
        self.assert_found("src/core/x.c", HEAD + "int x;\n" * tidy.LINES_MAX, "802 lines")
        body = "int\nlong_one(int x)\n{\n" + "    x++;\n" * 97 + "}\n"
        self.assert_found("src/core/x.c", HEAD + "int y;\n\n" + body, "long_one: 101 lines")
        self.assertEqual(self.breaches("src/core/x.c", HEAD + "\n" + body.replace("    x++;\n", "", 1)),
                         [])

    def test_documents_lead_somewhere(self):
        self.assert_found("README.md", "[a](docs/a.md) [b](https://example.org/b)\n", "docs/a.md")
        self.assert_found("README.md", "`src/core/gone.c`, `src/<layer>/x.c`, `src/core/x.h`\n",
                          "src/core/gone.c")

    def test_every_folder_has_its_line(self):
        self.assert_found("docs/architecture.md", "`src/core` is all there is\n",
                          "no line for src/trade")


if __name__ == "__main__":
    unittest.main()
