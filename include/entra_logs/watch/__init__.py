"""What needs attention: from the ledger and Airflow's runs to causes, and from causes to messages.

cause    one thing that needs attention   causes   all of an API, a pure function of what was seen
seen     what is known of an API          changes  what is new and what is over since it was told
remedy   the command that mends           message  the words of one notification
asking   what Airflow is asked about runs
certificate   the one cause that no read shows

Free of Airflow and of Graph: plain values in, plain values out. `alerts` brings the values and
delivers the messages; the lake page shows the same causes.
"""
