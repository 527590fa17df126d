# logstream in a container: docker build -t logstream . ; compose.yaml beside this shows it behind nginx.
# Three stages: the page, the program in an environment of its own, and what runs, with neither compilers nor npm.

FROM node:24-bookworm-slim AS page
WORKDIR /src/web
# What is installed changes less often than the page: it stays in a layer of its own.
COPY web/package.json web/package-lock.json ./
RUN npm ci
COPY web/ ./
RUN npm run build

FROM python:3.13-slim-bookworm AS program
WORKDIR /src
RUN python -m venv /opt/logstream
COPY requirements.lock requirements-build.lock ./
# Exactly what was tested, by its hashes; the program itself is built without asking anybody.
RUN /opt/logstream/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
    && python -m pip install --no-cache-dir --require-hashes -r requirements-build.lock
COPY pyproject.toml hatch_build.py README.md LICENSE config.toml ./
COPY systemd/ systemd/
COPY deploy/ deploy/
COPY logstream/ logstream/
COPY --from=page /src/logstream/static/ logstream/static/
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/logstream/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.13-slim-bookworm
# A number, so that Kubernetes' runAsNonRoot can see that it is not root. To read logs of another group:
# docker run --group-add "$(getent group adm | cut -d: -f3)"
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin logstream \
    && install --directory --owner=logstream --group=logstream --mode=0700 /var/lib/logstream
COPY --from=program /opt/logstream /opt/logstream
COPY config.toml /etc/logstream/config.toml
ENV PATH=/opt/logstream/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LOGSTREAM_CONFIG=/etc/logstream/config.toml \
    LOGSTREAM_STATE__DIR=/var/lib/logstream
# Where each viewer goes on after a restart; the logs come in by --volume /var/log:/var/log:ro.
VOLUME /var/lib/logstream
USER 10001:10001
# It listens on loopback until it is told who may come in: see compose.yaml.
EXPOSE 8780
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8780/healthz', timeout=4)"]
# PID 1 is the service itself: it stops cleanly on SIGTERM, and reads its configuration anew on SIGHUP.
ENTRYPOINT ["logstream"]
CMD ["serve"]
