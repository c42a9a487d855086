"""What shows that nothing is lost, and what mends: raw, tables and ledger against each other.

inventory    what is there, listed once                aside         partitions made beside the lake
verify       what is claimed, worked out again         differences   how a file differs from raw's
rebuild      tables from raw                           rebuild_ledger  records from raw
upgrade      columns that were declared later          retention     what is removed for its age
upkeep       all that is done once a day               earlier      a ledger of an earlier form
"""
