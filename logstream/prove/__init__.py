"""The proof that nothing is lost and nothing comes twice, on the user's own machine and file system.

Owns the numbered lines, what is done to their files, to the connection and to a service meanwhile, and the account of
what came. Refuses to print; knows a service by its wire alone, as any client does.
"""
