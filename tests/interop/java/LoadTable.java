// SPDX-License-Identifier: Apache-2.0
// Iceberg's own library over a warehouse of ours: catalog in SQLite, local files.
//
//     LoadTable FOLDER plan TABLE [COLUMN VALUE VALUE]   files and records, of rows in [VALUE, VALUE)
//     LoadTable FOLDER change TABLE                      rewrites manifests, sets a property, tags
//
// Loading is strict about metadata, and planning reads lists and manifests with all statistics.
// Prints one JSON object.

import java.io.File;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Files;
import org.apache.iceberg.HasTableOperations;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.TableScan;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.io.PositionOutputStream;
import org.apache.iceberg.io.SeekableInputStream;
import org.apache.iceberg.jdbc.JdbcCatalog;

public class LoadTable {
  /** Local files without Hadoop. */
  public static class LocalIO implements FileIO {
    private static File file(String path) {
      return path.startsWith("file:") ? new File(URI.create(path)) : new File(path);
    }

    // Both keep the spelling that the table has: a commit compares locations as texts.

    @Override
    public InputFile newInputFile(String path) {
      InputFile in = Files.localInput(file(path));
      return new InputFile() {
        @Override
        public long getLength() {
          return in.getLength();
        }

        @Override
        public SeekableInputStream newStream() {
          return in.newStream();
        }

        @Override
        public String location() {
          return path;
        }

        @Override
        public boolean exists() {
          return in.exists();
        }
      };
    }

    @Override
    public OutputFile newOutputFile(String path) {
      file(path).getParentFile().mkdirs();
      OutputFile out = Files.localOutput(file(path));
      return new OutputFile() {
        @Override
        public PositionOutputStream create() {
          return out.create();
        }

        @Override
        public PositionOutputStream createOrOverwrite() {
          return out.createOrOverwrite();
        }

        @Override
        public String location() {
          return path;
        }

        @Override
        public InputFile toInputFile() {
          return newInputFile(path);
        }
      };
    }

    @Override
    public void deleteFile(String path) {
      file(path).delete();
    }
  }

  private static Object literal(Table table, String column, String text) {
    switch (table.schema().findType(column).typeId()) {
      case INTEGER:
        return Integer.valueOf(text);
      case LONG:
        return Long.valueOf(text);
      default:
        return text;
    }
  }

  private static void plan(Table table, String[] args) throws Exception {
    TableScan scan = table.newScan().includeColumnStats();
    if (args.length > 3) {
      scan =
          scan.filter(
              Expressions.and(
                  Expressions.greaterThanOrEqual(args[3], literal(table, args[3], args[4])),
                  Expressions.lessThan(args[3], literal(table, args[3], args[5]))));
    }
    long records = 0;
    List<String> paths = new ArrayList<>();
    try (CloseableIterable<FileScanTask> tasks = scan.planFiles()) {
      for (FileScanTask task : tasks) {
        DataFile file = task.file();
        records += file.recordCount();
        paths.add('"' + file.location() + '"');
        if (file.valueCounts() == null
            || file.lowerBounds() == null
            || file.splitOffsets() == null
            || file.dataSequenceNumber() == null
            || file.fileSequenceNumber() == null) {
          throw new IllegalStateException(file.location() + " lacks statistics or numbers");
        }
      }
    }
    TableMetadata metadata = ((HasTableOperations) table).operations().current();
    // What Java writes of it must be what it has read.
    TableMetadata again =
        TableMetadataParser.fromJson(
            metadata.metadataFileLocation(), TableMetadataParser.toJson(metadata));
    if (again.snapshots().size() != metadata.snapshots().size()
        || !again.properties().equals(metadata.properties())) {
      throw new IllegalStateException("metadata changes when it is written again");
    }
    for (Snapshot snapshot : table.snapshots()) {
      snapshot.allManifests(table.io());
    }
    System.out.printf(
        "{\"records\": %d, \"snapshots\": %d, \"files\": [%s]}%n",
        records, metadata.snapshots().size(), String.join(", ", paths));
  }

  private static void change(Table table) {
    table.rewriteManifests().clusterBy(file -> "all").commit();
    table.updateProperties().set("java", "was here").commit();
    table.manageSnapshots().createTag("java", table.currentSnapshot().snapshotId()).commit();
    table.expireSnapshots().retainLast(1).expireOlderThan(Long.MAX_VALUE).commit();
    System.out.printf(
        "{\"main\": %d, \"operation\": \"%s\"}%n",
        table.currentSnapshot().snapshotId(), table.currentSnapshot().operation());
  }

  public static void main(String[] args) throws Exception {
    try (JdbcCatalog catalog =
        new JdbcCatalog(properties -> new LocalIO(), null, false)) {
      catalog.initialize(
          "iceberg",
          Map.of(
              "uri", "jdbc:sqlite:" + args[0] + "/k2.db",
              "warehouse", "file://" + args[0] + "/warehouse",
              "jdbc.schema-version", "V1"));
      Table table = catalog.loadTable(TableIdentifier.of("market_data", args[2]));
      if (args[1].equals("plan")) {
        plan(table, args);
      } else {
        change(table);
      }
    }
  }
}
