"""`sendtrace demo`: the whole relay with a small internet around it, on this machine alone.

`internet`     name server and mail servers of every temper, on loopback addresses
`manners`      how those mail servers behave
`nameserver`   answers from a table
`certificate`  self-made certificates
`mail`         what is sent
`people`       who sends it, and what is in the ledger beforehand
`stage`        where things are, and what people are told
`play`         starts everything, sends the mail, acts as the administrator, waits for Ctrl-C
"""

from relay.demo.play import run

__all__ = ["run"]
