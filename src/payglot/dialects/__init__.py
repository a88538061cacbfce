"""The providers whose APIs we speak. A sixth is a folder and one line here."""

from payglot.dialects import bridge, devdraft, p100, qonto, txn
from payglot.dialects.contract import Dialect

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (bridge.DIALECT, devdraft.DIALECT, p100.DIALECT, qonto.DIALECT, txn.DIALECT)
}
