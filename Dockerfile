# Todoke in a container: not root, and nothing written but /data.
FROM python:3.13.12-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv /opt/todoke \
 && /opt/todoke/bin/pip install --require-hashes -r requirements.lock \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes -r requirements-dev.lock
COPY . .
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /opt/todoke/bin/pip install --no-deps --no-index /dist/*.whl

FROM python:3.13.12-slim-trixie

# PostgreSQL's peer authentication needs the number to have a name.
RUN groupadd --gid 10001 todoke \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin todoke \
 && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/todoke /opt/todoke

ENV PATH=/opt/todoke/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TODOKE_DATA=/data \
    TODOKE_SERVE__HOST=0.0.0.0
WORKDIR /data
VOLUME /data
EXPOSE 8080
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=3)"]
ENTRYPOINT ["todoke"]
CMD ["serve"]
