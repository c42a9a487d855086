#!/usr/bin/env bash
# What has to exist before Airflow's processes start. Runs at every start; the second time it
# changes nothing.
set -euo pipefail

if [[ -n "${DEMO_CONTAINER:-}" ]]; then
  python -c 'import sys
from airflow.providers.microsoft.azure.hooks.wasb import WasbHook
WasbHook(wasb_conn_id="entra_lake").create_container(sys.argv[1])' "${DEMO_CONTAINER}"
fi

python -m include.entra_logs.airflow_side.init

# The password goes by stdin, as arguments can be read by every process of the machine. Airflow asks
# for it twice, at a terminal if there is one: setsid takes that away.
printf '%s\n%s\n' "${ADMIN_PASSWORD}" "${ADMIN_PASSWORD}" | setsid --wait \
  airflow users create --role Admin --username "${ADMIN_USER}" \
  --firstname Entra --lastname Lake --email admin@example.com
