"""The verbs: what is done with mail, from the command to the last word on a recipient.

How the relay comes to life:

`cli`           the command; `serve` is one of its commands
`state`         the state directory, which one relay holds
`serve`         makes ready, and says what its processes are
`supervisor`    starts them, starts again what dies, drains them at the end
`processes`     what each of them does from beginning to end
`beginning`     how it begins, and waits for a full disk
`app`           the composition root: builds every part and hands it to those that need it
`clock`         where time and chance come from

How mail comes in:

`submission`    the server that takes it, and the responsibility for it
`certificates`  TLS as a server
`closed`        addresses that nothing is sent to
`refusals`      what was not taken, for the record
`intake`        what was taken: into the ledger, and on to the worker

How it is carried:

`worker`        delivers what it accepted, and claims what is due
`ready`         the jobs that it holds, in turn by destination
`stock`         the content that a claim brings along
`keeper`        its lease, and what dead workers held
`contact`       which leases have run out for good
`inflight`      what has been handed over and is not settled, for whoever comes after a crash
`carrier`       carries one job: deliver, decide, settle

How it is delivered:

`deliver`       one attempt at a job, from target to target
`course`        what has come of it so far
`resolve`       from a destination to its targets
`dns`           questions to the DNS
`answers`       its answers, as long as they are good
`forbidden`     addresses that nobody's DNS may send us to
`gates`         what stops mail for a group of hosts on our side
`limits`        how many connections they get
`rates`         how many messages a minute
`bucket`        tokens at an even pace
`share`         what one worker gets of a limit for all
`handover`      hands recipients over to one target
`pool`          sessions that wait for more
`regroup`       who is tried once more where a server broke off
`transport`     the client side of SMTP
`tls`           TLS towards other servers

What it means:

`classify`      what a reply, or silence, means for a recipient
`presume`       attempts at which nothing was dialled
`decide`        what becomes of each recipient, as one settlement
`dsn`           reports to the sender
`suppress`      which addresses have been shown not to exist
`telling`       what log and metrics say of it

Beside the mail:

`chores`        what one worker does for all: tidying, statistics, the index of text
`errands`       what people have asked for
`bounce`        reports that come back after a receiver has accepted
`metrics`       counters of the processes
`tally`         counters that cost an addition
`log`           one line for each event
`namesake`      whether another machine goes by our name
`skew`          whether our clock is not that of the ledger
`absence`       says that the ledger is away, and when it is back
`demo`          the whole relay with a small internet around it
"""
