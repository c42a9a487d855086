# Airflow with Entra Lake inside: code, exact packages, no configuration, no secret.
#
# The slim official image brings Airflow's entrypoint, user and Python; every package comes from
# requirements-docker.lock, whose resolution contains requirements.lock, with its hashes.
FROM apache/airflow:slim-3.3.2-python3.11

COPY --chown=airflow:0 requirements-docker.lock /tmp/requirements-docker.lock
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements-docker.lock \
    && pip check \
    && rm /tmp/requirements-docker.lock

COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
COPY --chown=airflow:0 include /opt/airflow/include
COPY --chown=airflow:0 docker/init.sh /opt/airflow/docker/init.sh

# Volumes that are mounted here take over the owner: the lake is written by the airflow user.
RUN mkdir -p /opt/airflow/lake /opt/airflow/logs /opt/airflow/emulator \
    && chmod g+rwX /opt/airflow/lake /opt/airflow/logs /opt/airflow/emulator

ENV PYTHONPATH=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/airflow/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=false

USER airflow
