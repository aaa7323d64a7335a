"""The annex: the rooms that only follow the event log, in a process of their own.

What they do with each event would otherwise take the interpreter away from the loop that answers orders. The house starts
the annex, tells it when the log grows, and asks its rooms over a link of the two buses; it is started again when it dies,
goes on from its cursors, and ends when the house does.
"""
