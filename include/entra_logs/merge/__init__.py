"""Tables: what a read brought of a partition goes into the partition's one file.

tables       merge, publish atomically, count          files         two files made into one
blocks       two sorted sources, walked side by side   versions      which row is the newer one
compare      which rows differ                         evolve        schemas that grew
partition_file  a file, written and read in batches
"""
