"""What bqemulator does otherwise than BigQuery documents it, mended. For version 1.4.0 and no other: private
names are replaced.

    real service                                        bqemulator 1.4.0
    the caller names a load job, once                   a name of its own; the same rows again
    a job lies in the location that it was sent to      always US
    outputRows are those of the job                     the table's total
    columns are found by name                           by place
    ALLOW_FIELD_ADDITION adds columns                   is ignored
    tables.patch adds columns                           to what is shown, not to what is stored
    a view is a statement                               an empty table
    it starts                                           it downloads an extension first
"""

import contextvars

from bqemulator.api.dependencies import AppContext, get_context
from bqemulator.api.routes import jobs, tables, upload
from bqemulator.domain.errors import InvalidQueryError, ResourceRef, resource_already_exists, resource_not_found
from bqemulator.jobs import executor
from bqemulator.storage import engine
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns
from fastapi import Depends, Request

# Names that are taken, also of jobs that are not done, and where each job lies.
TAKEN = {}

# Statements of views as they were written.
VIEWS = {}

# What is known of the load that is under way.
current = contextvars.ContextVar("the load that is under way")


def apply():
    """Mends all of it."""
    engine.DuckDBEngine._load_spatial = lambda self: None
    mend_uploads()
    mend_inserted_jobs()
    mend_loads()
    mend_jobs()
    mend_tables()


# --- names of jobs ------------------------------------------------------------------------------------


def take(project, job_id, location):
    if (project, job_id) in TAKEN:
        raise resource_already_exists(ResourceRef("job", project, None, job_id))
    TAKEN[project, job_id] = location or "US"


def mend_uploads():
    """The name that was sent is kept, and refused when all bytes are there."""
    read, run, invent = upload._load_configuration_from_envelope, upload._run_load, upload._new_job_id

    def read_with_reference(envelope):
        return {**read(envelope), "reference": envelope.get("jobReference") or {}}

    async def run_as_named(*, project_id, configuration, media_path, ctx):
        reference = configuration.pop("reference", {})
        job_id = reference.get("jobId") or invent()
        take(project_id, job_id, reference.get("location"))
        token = current.set({"id": job_id})
        try:
            return await run(project_id=project_id, configuration=configuration, media_path=media_path, ctx=ctx)
        except BaseException:
            # What is refused at once has never been a job.
            del TAKEN[project_id, job_id]
            raise
        finally:
            current.reset(token)

    upload._load_configuration_from_envelope = read_with_reference
    upload._run_load = run_as_named
    upload._new_job_id = lambda: current.get()["id"]


def mend_inserted_jobs():
    load = jobs._handle_load_job_with_async_envelope

    async def load_once(project_id, job_id, config, ctx):
        take(project_id, job_id, None)
        return await load(project_id, job_id, config, ctx)

    jobs._handle_load_job_with_async_envelope = load_once


# --- loads --------------------------------------------------------------------------------------------


def mend_loads():
    load = executor.execute_load_job

    async def load_and_count(project_id, job_id, config, ctx):
        token = current.set({"id": job_id, "rows": 0, "files": 0, "load": config.get("load") or {}})
        try:
            job = await load(project_id, job_id, config, ctx)
            counted = current.get()
        finally:
            current.reset(token)
        facts = {"outputRows": str(counted["rows"]), "inputFiles": str(counted["files"])}
        return job.model_copy(update={"statistics": {"load": facts}})

    upload.execute_load_job = jobs.execute_load_job = load_and_count
    executor._LOAD_FORMAT_HANDLERS["PARQUET"] = load_by_name


def load_by_name(path, target, ctx):
    known = current.get()
    reference = known["load"]["destinationTable"]
    table = ctx.catalog.get_table(reference["projectId"], reference["datasetId"], reference["tableId"])
    allows = "ALLOW_FIELD_ADDITION" in (known["load"].get("schemaUpdateOptions") or [])
    said = (known["load"].get("schema") or {}).get("fields") or []
    if table is not None and said and not allows and new_fields(table, said):
        raise ValueError(f"Provided Schema does not match Table {reference['tableId']}. Cannot add fields.")
    # All of the load or nothing, the new columns included.
    ctx.engine.execute("BEGIN TRANSACTION")
    try:
        added = store(ctx, target, table, said)
        count = ctx.engine.execute(f"INSERT INTO {target} BY NAME SELECT * FROM read_parquet(?)", [path])
        known["rows"] += count.fetchone()[0]
        known["files"] += 1
        ctx.engine.execute("COMMIT")
    except BaseException:
        ctx.engine.execute("ROLLBACK")
        raise
    show(ctx, table, added)


def new_fields(table, said):
    have = {field.name.lower() for field in table.schema_.fields}
    return [field for field in tables._parse_schema_fields(said) if field.name.lower() not in have]


def store(ctx, target, table, said):
    """Adds the columns that the table lacks to what is stored."""
    added = new_fields(table, said) if table is not None else []
    for name, kind in bq_schema_to_duckdb_columns([tables._field_to_rest(field) for field in added]):
        ctx.engine.execute(f'ALTER TABLE {target} ADD COLUMN "{name}" {kind}')
    return added


def show(ctx, table, added):
    if added:
        # Read again: the load may have changed what else is known of the table.
        table = ctx.catalog.get_table(table.project_id, table.dataset_id, table.table_id)
        schema = table.schema_.model_copy(update={"fields": (*table.schema_.fields, *added)})
        ctx.catalog.update_table(table.model_copy(update={"schema_": schema}))


# --- jobs as they are shown ---------------------------------------------------------------------------


def mend_jobs():
    shown, get = jobs._build_job_response, endpoint(jobs.router, "GET", "/projects/{project_id}/jobs/{job_id}")
    listed = endpoint(jobs.router, "GET", "/projects/{project_id}/jobs")

    def shown_in_place(project_id, job_id, job, config):
        answer = shown(project_id, job_id, job, config)
        location = TAKEN.get((project_id, job_id), "US")
        answer["jobReference"]["location"] = location
        answer["id"] = f"{project_id}:{location}.{job_id}"
        return answer

    jobs._build_job_response = upload._build_job_response = shown_in_place

    @jobs.router.get("/projects/{project_id}/jobs/{job_id}")
    def get_in_place(project_id: str, job_id: str, location: str = "US", ctx: AppContext = Depends(get_context)):
        if TAKEN.get((project_id, job_id), location) != location:
            raise resource_not_found(ResourceRef("job", project_id, resource_id=job_id))
        return get(project_id, job_id, ctx)

    @jobs.router.get("/projects/{project_id}/jobs")
    def list_in_place(
        project_id: str, maxResults: int = 100, stateFilter: str | None = None, ctx: AppContext = Depends(get_context)
    ):
        answer = listed(project_id, ctx, maxResults, stateFilter, None)
        for job in answer["jobs"]:
            reference = job["jobReference"]
            reference["location"] = TAKEN.get((project_id, reference["jobId"]), "US")
        return answer


# --- tables and views ---------------------------------------------------------------------------------


def mend_tables():
    path = "/projects/{project_id}/datasets/{dataset_id}/tables"
    insert, patch = endpoint(tables.router, "POST", path), endpoint(tables.router, "PATCH", path + "/{table_id}")
    shown = tables._table_to_rest

    def shown_with_view(table):
        answer = shown(table)
        if table.view_query:
            name = (table.project_id, table.dataset_id, table.table_id)
            answer["view"] = {"query": VIEWS.get(name, table.view_query), "useLegacySql": False}
            answer.setdefault("schema", {"fields": []})
        return answer

    tables._table_to_rest = shown_with_view

    @tables.router.post(path)
    async def insert_or_define(
        project_id: str, dataset_id: str, request: Request, ctx: AppContext = Depends(get_context)
    ):
        body = await request.json()
        statement = (body.get("view") or {}).get("query")
        table_id = body["tableReference"]["tableId"]
        if not statement:
            return await insert(project_id, dataset_id, request, ctx)
        if ctx.catalog.get_table(project_id, dataset_id, table_id) is not None:
            raise resource_already_exists(ResourceRef("table", project_id, dataset_id, table_id))
        return await define(project_id, dataset_id, table_id, statement, ctx)

    @tables.router.patch(path + "/{table_id}")
    async def patch_and_store(
        project_id: str, dataset_id: str, table_id: str, request: Request, ctx: AppContext = Depends(get_context)
    ):
        body = await request.json()
        statement = (body.get("view") or {}).get("query")
        if statement:
            return await define(project_id, dataset_id, table_id, statement, ctx)
        table = ctx.catalog.get_table(project_id, dataset_id, table_id)
        if table is not None:
            async with ctx.engine.write_lock():
                target = quoted_table_ref(project_id, dataset_id, table_id)
                store(ctx, target, table, (body.get("schema") or {}).get("fields") or [])
        return await patch(project_id, dataset_id, table_id, request, ctx)


async def define(project, dataset, table, statement, ctx):
    """Makes a view as a statement of SQL does, which the emulator knows."""
    query = f"CREATE OR REPLACE VIEW `{project}.{dataset}.{table}` AS {statement}"
    done = await executor.execute_query_job(project, f"define_{table}", query, None, ctx)
    if done.error_result:
        raise InvalidQueryError(done.error_result["message"])
    VIEWS[project, dataset, table] = statement
    return tables._table_to_rest(ctx.catalog.get_table(project, dataset, table))


def endpoint(router, method, path):
    """Takes a route out, to be replaced by one of ours."""
    path = router.prefix + path
    route = next(route for route in router.routes if route.path == path and method in route.methods)
    router.routes.remove(route)
    return route.endpoint
