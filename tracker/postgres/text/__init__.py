"""An index of the record's text for searches of everything, in tables beside the ledger's.

A *block* is sixteen recipients in a row, a *part* a few thousand blocks. For each trigram the index
has a list of the blocks of a part whose text has it. Lists are written a *segment* at a time, all
of a few hundred blocks at once, and the segments of a part are made one when there are many. All of
it is written by one process at a time, in the background, and seen by searches in the same snapshot
as the ledger: what is not in it yet is looked at besides.
"""
