# The emulator: a local MonoCloud for tests and demos, at port 8080.
#   docker build --tag monocloud-emulator .
#   docker run --rm --publish 127.0.0.1:8080:8080 monocloud-emulator
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY monocloud_async monocloud_async
COPY monocloud_sync monocloud_sync
RUN python -m venv /opt/monocloud \
    && /opt/monocloud/bin/pip install --no-cache-dir --disable-pip-version-check ".[cli,tls]"

FROM python:${PYTHON}-slim
COPY --from=build /opt/monocloud /opt/monocloud
ENV PATH=/opt/monocloud/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number needs no entry in /etc/passwd, and Kubernetes sees that it is not root.
USER 10001:10001
EXPOSE 8080
# If you pass --tls or another --port, replace this check.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8080, timeout=2); c.request('GET', '/_emulator/health'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["monocloud", "emulator", "--host", "0.0.0.0", "--port", "8080"]
# --open-control makes the page at / and /_emulator available outside the container.
CMD ["--open-control"]
