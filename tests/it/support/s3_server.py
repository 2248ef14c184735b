"""An S3 server on a free port of loopback, which it prints when it listens. It ends with its standard input."""

import logging
import os
import sys
import threading


def end_with_the_tests():
    # A pipe that the tests hold and never write to: however they end, the system closes it.
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_the_tests, daemon=True).start()


def serve():
    # Imported only now: it takes a moment, in which the tests may end too.
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(server.port, flush=True)

    # From here on nobody reads what it says.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    server.serve_forever()


serve()
