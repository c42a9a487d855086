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
# The emulator's app: its secret opens nothing but the emulator.
cat <<ENV
AIRFLOW_CONN_MSGRAPH_DEFAULT='{"conn_type":"msgraph","login":"0f6b2a94-7d1e-4a63-8c55-b1e9d3f07a28","password":"emulator~secret.of.nobody","schema":"https","host":"graph-emulator:9443","extra":{"tenant_id":"5e1a7c0d-3b52-4c8e-9f40-6d2b8a91c7e3","authority":"https://graph-emulator:9443","disable_instance_discovery":true,"allowed_hosts":"graph-emulator,graph-emulator:9443","verify":"/opt/airflow/emulator/ca.pem"}}'
AZURITE_KEY=$key
AIRFLOW_CONN_ENTRA_LAKE='{"conn_type":"wasb","extra":{"connection_string":"DefaultEndpointsProtocol=http;AccountName=entralake;AccountKey=$key;BlobEndpoint=http://azurite:10000/entralake;"}}'
DEMO_CONTAINER=lake
ENTRA_LAKE_URL=abfs://entra_lake@lake/entra
ENTRA_START=$yesterday
ENV
