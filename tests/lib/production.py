# SPDX-License-Identifier: Apache-2.0
"""pipeline.Pipeline over servers: its tables in a REST catalog and on S3, its schemas in a registry."""
import servers
from pipeline import Pipeline

PROPERTIES = {"uri": servers.CATALOG, "s3.endpoint": servers.S3, "s3.path-style-access": "true", "s3.region": "us-east-1",
              "s3.access-key-id": "k2access", "s3.secret-access-key": "k2secret123"}


class Production(Pipeline):
    """`log`: that section, as YAML, for a log that is not embedded; catalog and s3: where K2 finds them."""

    def __init__(self, folder, interval="1s", catalog=servers.CATALOG, s3=servers.S3, log=""):
        super().__init__(folder, interval)
        self.sections = (f"catalog: {{type: rest, uri: '{catalog}'}}\n"
                         f"store: {{type: s3, endpoint: '{s3}', bucket: {servers.BUCKET}, path_style: true,\n"
                         "        access_key: k2access, secret_key: k2secret123}\n"
                         f"registry: {{type: http, url: '{servers.REGISTRY}'}}\n{log}")

    def connect(self, *exchanges, symbols=None):
        super().connect(*exchanges, symbols=symbols)
        with open(self.config, "a") as file:
            file.write(self.sections)

    def table(self, name):
        from pyiceberg.catalog.rest import RestCatalog
        return RestCatalog("k2", **PROPERTIES).load_table(f"market_data.{name}")
