# syntax=docker/dockerfile:1
# Bot Core in one image: the engine, the API and the page, on play money.
# Checked: linted with hadolint; structure tested (tests/architecture/test_deploy_files.py); the
# install command runs as written in a fresh environment. Not checked: the image was never built.
#
#   docker build -t botcore .
#   docker run --rm --init -p 127.0.0.1:8080:8080 -v botcore:/data botcore

FROM python:3.11-slim AS packages
WORKDIR /build
COPY requirements/base.txt ./
RUN python -m venv /opt/botcore \
    && /opt/botcore/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r base.txt
COPY src/botcore /opt/botcore/lib/python3.11/site-packages/botcore
RUN /opt/botcore/bin/python -m compileall -q /opt/botcore/lib/python3.11/site-packages

FROM python:3.11-slim
# A user with a number, so that an orchestrator can see that it is not root.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin botcore \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=packages /opt/botcore /opt/botcore
ENV PATH=/opt/botcore/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BOTCORE_HOME=/data \
    BOTCORE_HOST=0.0.0.0 \
    BOTCORE_ALLOW_PLAIN_HTTP=true
# 0.0.0.0 is inside the container, and plain: publish the port on 127.0.0.1, or to a proxy with TLS.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/livez', timeout=8)"]
ENTRYPOINT ["python", "-m", "botcore"]
CMD ["up", "--headless"]
