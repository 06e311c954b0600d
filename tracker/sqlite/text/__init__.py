"""An index of the record's text for searches of a whole server, in a file beside the ledger.

It is no part of the ledger: nothing of it is on the path of a message, it may be lost, and what it
says is only where to look. It is made of *blocks*: a few recipients in a row, by their ids. For
each sequence of three characters (trigram) it knows the blocks whose text has it; a search reads
the blocks that have all trigrams of what is looked for, and compares the rows themselves. So a
frequent word costs no more than the walk that finds it at once, and a rare one a few blocks.
"""
