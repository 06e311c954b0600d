"""The nouns: mail and what is on record about it.

What there is, as frozen values:

`model`         messages, recipients, attempts and all else that has a name
`states`        where a recipient may go from where it stands
`mailbox`       the grammar of addresses
`views`         what readers of the ledger get
`printing`      text in one line of plain text

What decides about it, without I/O:

`routing`       which way mail for a domain goes
`schedule`      when a deferred recipient is tried again
`provider`      whose mail server it is
`remote_id`     the receiver's own id inside its 250
`explain`       why an attempt ended as it did, and what can be done
`search`        one line of text becomes a query
`insight`       what many deliveries together say
`acting`        what people do to many recipients at once
`nodes`         the nodes that share a ledger
`returns`       what a report says that came later

Where it lies:

`store`         what a ledger must do
`opening`       opening the one that the settings name
`sql`           what both ledgers share
`sqlite`        the ledger in a file
`postgres`      the ledger on a server
`archive`       a ledger as rows that fit into any
`transfer`      moving all of it from one to another
`entropy`       random bytes, for ids
`attendance`    who may soon bring more that could share a commit
`room`          room on the disks
`belonging`     whose the files are that root makes

Who may see it, and what is kept of it:

`permissions`   what each role may do
`passwords`     hashes of passwords
`guard`         stands before every log-in
`throttle`      how often one may fail
`secret`        the key of what is stored as a hash
`kept`          what of a subject is stored
`ages`          what goes before the record itself
`traces`        an address in the texts of the record
`erasure`       finding, exporting and erasing it
`proof`         certificates of handover

What the processes of a node tell each other:

`draining`      that it wants nothing new
`version`       which version it is of
"""
