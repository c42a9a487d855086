#!/bin/sh
# Prints an .env for docker-compose.yaml with fresh random secrets:  sh docker/make-env.sh > .env
# With --demo also what the `demo` profile needs: the emulator and Azurite in the cloud's place.
set -eu

random() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
random64() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }

cat <<ENV
POSTGRES_PASSWORD=$(random 24)
REDIS_PASSWORD=$(random 24)
AIRFLOW_FERNET_KEY=$(random64 32 | tr '+/' '-_')
AIRFLOW_SECRET_KEY=$(random 32)
AIRFLOW_JWT_SECRET=$(random 32)
AIRFLOW_ADMIN_PASSWORD=$(random 12)
ENV

[ "${1:-}" = "--demo" ] || exit 0

key=$(random64 64)
yesterday=$(date -u -d '1 day ago' +%F 2>/dev/null || date -u -v-1d +%F)
cat <<ENV
AZURITE_KEY=$key
AIRFLOW_CONN_ENTRA_LAKE='{"conn_type":"wasb","extra":{"connection_string":"DefaultEndpointsProtocol=http;AccountName=entralake;AccountKey=$key;BlobEndpoint=http://azurite:10000/entralake;"}}'
DEMO_CONTAINER=lake
ENTRA_LAKE_URL=abfs://entra_lake@lake/entra
ENTRA_START=$yesterday
ENV
