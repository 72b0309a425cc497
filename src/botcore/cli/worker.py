"""``botcore worker``: one job, as the api process starts it."""


def worker() -> int:
    """Do the job that standard input names; started by the platform itself."""
    from botcore.app.jobs.worker import run_worker

    return run_worker()
