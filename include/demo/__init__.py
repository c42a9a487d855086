"""The main job on embedded defaults: `make demo`.

airflow      a local Airflow on loopback               processes  started, ended without a rest
summary      what was loaded, against the truth
"""
