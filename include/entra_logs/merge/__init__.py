"""Tables: what a read brought of a partition goes into the partition's one file.

tables       merge and publish, atomically             files         two files made into one
blocks       two sorted sources, walked side by side   versions      which row is the newer one
compare      which rows differ                         evolve        schemas that grew
counting     what a load did, in the published file    partition_file  a file, read in batches
"""
