// SPDX-License-Identifier: Apache-2.0
// Rows of tables as Iceberg's own library reads them, over the catalog in SQLite.
//
//     ReadTable DATA_DIR WAREHOUSE    a table's name a line on standard input, a line of JSON for each
//
// A row is a list of texts in the order of the columns: times and dates in ISO form, bytes in hex,
// lists and maps as JSON of texts.  Loads the table anew each time.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.JdbcCatalog;

public class ReadTable {
  private static void putText(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ') {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }

  private static void put(StringBuilder out, Object value) {
    if (value == null) {
      out.append("null");
    } else if (value instanceof List) {
      char before = '[';
      if (((List<?>) value).isEmpty()) {
        out.append('[');
      }
      for (Object element : (List<?>) value) {
        out.append(before);
        put(out, element);
        before = ',';
      }
      out.append(']');
    } else if (value instanceof Map) {
      char before = '{';
      if (((Map<?, ?>) value).isEmpty()) {
        out.append('{');
      }
      for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
        out.append(before);
        put(out, entry.getKey());
        out.append(':');
        put(out, entry.getValue());
        before = ',';
      }
      out.append('}');
    } else if (value instanceof ByteBuffer) {
      ByteBuffer bytes = ((ByteBuffer) value).duplicate();
      out.append('"');
      while (bytes.hasRemaining()) {
        out.append(String.format("%02x", bytes.get()));
      }
      out.append('"');
    } else if (value instanceof BigDecimal) {
      putText(out, ((BigDecimal) value).toPlainString());
    } else {
      putText(out, value.toString());
    }
  }

  private static String read(JdbcCatalog catalog, String name) throws Exception {
    Table table = catalog.loadTable(TableIdentifier.parse(name));
    int columns = table.schema().columns().size();
    StringBuilder out = new StringBuilder("[");
    try (CloseableIterable<Record> rows = IcebergGenerics.read(table).build()) {
      for (Record row : rows) {
        if (out.length() > 1) {
          out.append(',');
        }
        for (int i = 0; i < columns; i++) {
          out.append(i == 0 ? '[' : ',');
          put(out, row.get(i));
        }
        out.append(']');
      }
    }
    return out.append(']').toString();
  }

  public static void main(String[] args) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    JdbcCatalog catalog = new JdbcCatalog();
    catalog.setConf(new Configuration());
    catalog.initialize(
        "iceberg",
        Map.of("uri", "jdbc:sqlite:" + args[0] + "/k2.db", "warehouse", args[1], "cache-enabled", "false"));
    for (String name = in.readLine(); name != null; name = in.readLine()) {
      out.println(read(catalog, name));
    }
  }
}
