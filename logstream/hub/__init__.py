"""Between the recorded order and those who look at it: views that judge and encode once, subscribers that pull.

Owns what is sent and when. Holds no queue for anybody, so a slow subscriber costs a number. Refuses to know how
anything looks on the wire (`api` hands it an encoder), and to read files but through the journal.
"""
