#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tidy.py ROOT: house rules that no compiler and no formatter checks, as a test.

Prints one line for each breach and exits 1 when there is any.  Functions of more than 70 lines are
listed as notes; above 100 they are breaches.  C is read line by line: clang-format has put the brace
that opens a function alone at the start of a line, and nothing else there.
"""
import pathlib
import re
import sys

LINES_MAX = 800
FUNCTION_LINES_NOTED = 70
FUNCTION_LINES_MAX = 100
SPDX = "// SPDX-License-Identifier: Apache-2.0"
PATH = re.compile(r"(src|tests|scripts|tools|bench|deploy|docs|cmake|recordings)/[\w./-]*\w/?")


def closure(above):
    """layer -> itself and all that it may use."""
    allowed = {}

    def of(layer):
        if layer not in allowed:
            allowed[layer] = {layer}
            for other in above.get(layer, []):
                allowed[layer] |= of(other)
        return allowed[layer]

    for layer in above:
        of(layer)
    return allowed


def read_layers(cmake):
    """The layer order as CMakeLists.txt has it; a program in src/<folder> is a layer of its own."""
    above = {}
    for name, rest in re.findall(r"^k2_layer\((\w+)([^)]*)\)", cmake, re.M):
        words = rest.split()
        start = words.index("ABOVE") + 1 if "ABOVE" in words else len(words)
        end = words.index("LINK") if "LINK" in words else len(words)
        above[name] = words[start:end]
    for folder, rest in re.findall(r"^k2_program\(\S+ src/(\w+)/\S+([^)]*)\)", cmake, re.M):
        above[folder] = rest.split()
    return closure(above)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def code_only(text):
    """The text with comments and literals blanked, line by line as it was."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def functions(lines):
    """(first line, last line, name) of each function, counted from 1."""
    for at, line in enumerate(lines):
        if line != "{":
            continue
        first = at
        while first > 0 and lines[first - 1] and not re.search(r"[;}]$|\*/$|^#", lines[first - 1]):
            first -= 1
        last = next(i for i in range(at, len(lines)) if lines[i].startswith("}"))
        name = re.search(r"(\w+) ?\(", " ".join(lines[first:at]))
        yield first + 1, last + 1, name.group(1) if name else "?"


class Tidy:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.layers = read_layers((self.root / "CMakeLists.txt").read_text())
        self.breaches, self.notes = [], []

    def breach(self, path, line, what):
        self.breaches.append(f"{path.relative_to(self.root)}:{line}: {what}")

    def check_head(self, path, lines):
        if lines[:1] != [SPDX]:
            self.breach(path, 1, f"does not begin with {SPDX}")
        elif not (len(lines) > 1 and lines[1].startswith("/*")):
            self.breach(path, 2, "no comment that says what the file is")

    def check_includes(self, path, lines):
        layer = path.relative_to(self.root / "src").parts[0]
        allowed = self.layers.get(layer)
        if allowed is None:
            self.breach(path, 1, f"src/{layer} is no layer of CMakeLists.txt")
            return
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            if not (self.root / "src" / match.group(1)).is_file():
                self.breach(path, number, f'"{match.group(1)}" is not written from src/')
            elif match.group(1).split("/")[0] not in allowed:
                self.breach(path, number, f'{layer} must not know "{match.group(1)}"')

    def check_words(self, path, lines):
        words = {r"(?<!\w)assert\s*\(": "assert vanishes in release builds: ASSERT",
                 r"\b(strtod|strtof|strtold|atof)\b": "a number's text must not become a double"}
        if path.relative_to(self.root).parts[1] == "trade":
            words[r"\b(double|float)\b"] = "no price in a double"
        for number, line in enumerate(lines, 1):
            for word, why in words.items():
                if re.search(word, line):
                    self.breach(path, number, why)

    def check_sizes(self, path, lines):
        if len(lines) > LINES_MAX:
            self.breach(path, len(lines), f"{len(lines)} lines, more than {LINES_MAX}")
        for first, last, name in functions(lines):
            size = last - first + 1
            if size > FUNCTION_LINES_MAX:
                self.breach(path, first, f"{name}: {size} lines, more than {FUNCTION_LINES_MAX}")
            elif size > FUNCTION_LINES_NOTED:
                self.notes.append(f"{path.relative_to(self.root)}:{first}: {name}: {size} lines")

    def check_source(self, path):
        text = path.read_text()
        code = code_only(text).split("\n")
        self.check_head(path, text.split("\n"))
        self.check_includes(path, text.split("\n"))
        self.check_words(path, code)
        self.check_sizes(path, text.rstrip("\n").split("\n"))

    def check_document(self, path):
        """Links and paths in backticks lead to something that is there."""
        for number, line in enumerate(path.read_text().split("\n"), 1):
            for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", line):
                if "://" not in target and not (path.parent / target).exists():
                    self.breach(path, number, f"link to {target}, which is not there")
            for quoted in re.findall(r"`([^`]+)`", line):
                if PATH.fullmatch(quoted) and not (self.root / quoted).exists():
                    self.breach(path, number, f"names {quoted}, which is not there")

    def check_folders(self, path):
        """docs/architecture.md has a line for each folder of src."""
        text = path.read_text()
        for folder in sorted({path.parent for path in (self.root / "src").rglob("*.[ch]")}):
            if f"`src/{folder.name}`" not in text:
                self.breach(path, 1, f"no line for src/{folder.name}")

    def run(self):
        for path in sorted((self.root / "src").rglob("*.[ch]")):
            self.check_source(path)
        for path in [self.root / "README.md", *sorted((self.root / "docs").rglob("*.md")),
                     *sorted((self.root / "deploy").rglob("*.md"))]:
            if path.exists():
                self.check_document(path)
        if (self.root / "docs/architecture.md").exists():
            self.check_folders(self.root / "docs/architecture.md")
        return self.breaches


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tidy.py ROOT")
    tidy = Tidy(sys.argv[1])
    breaches = tidy.run()
    for note in tidy.notes:
        print("note:", note)
    for line in breaches:
        print(line)
    print(f"{len(breaches)} breaches, {len(tidy.notes)} notes")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
