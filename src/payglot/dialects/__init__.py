"""The providers whose APIs we speak. A sixth is a folder and one line here."""

from payglot.dialects import p100
from payglot.dialects.contract import Dialect

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (p100.DIALECT,)}
