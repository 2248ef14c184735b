"""bqemulator on a free port of loopback, which is printed once it listens. It ends with its standard input."""

import asyncio
import logging
import os
import threading


def end_with_the_tests():
    # A pipe that the tests hold and never write to: however they end, the system closes it.
    while os.read(0, 1):
        pass
    os._exit(0)


threading.Thread(target=end_with_the_tests, daemon=True).start()


async def serve():
    # It logs to standard output, where the port is expected.
    port_goes_to = os.dup(1)
    os.dup2(2, 1)

    # Imported only now: it takes seconds, in which the tests may end too. It talks while it is imported.
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

    from bqemulator.config import Settings
    from bqemulator.server import EmulatorServer

    import mended

    mended.apply()
    # The extensions of DuckDB and the old states of tables are not needed; the first would be downloaded.
    settings = Settings(
        rest_host="127.0.0.1",
        rest_port=0,
        grpc_host="127.0.0.1",
        grpc_port=0,
        enable_format_extensions=False,
        time_travel_retention_days=0,
        log_level="error",
    )
    server = EmulatorServer(settings)
    await server.start()
    os.write(port_goes_to, f"{server.rest_port}\n".encode())
    os.close(port_goes_to)

    # From here on nobody reads what it says.
    if not os.environ.get("BIGQUERY_LOG"):
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
    await asyncio.Event().wait()


asyncio.run(serve())
