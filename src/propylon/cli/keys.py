"""`propylon keys`: the keys of a running gateway. Only its contents page."""

import typer

from propylon.cli import key_reads, key_rotation, key_writes

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Keys of a running gateway.")

app.command("list")(key_reads.list_keys)
app.command("show")(key_reads.show_key)
app.command("find")(key_reads.find_key)
app.command("create")(key_writes.create_key)
app.command("rotate")(key_rotation.rotate_key)
app.command("ring")(key_rotation.show_ring)
app.command("retire")(key_rotation.retire_generation)
app.command("suspend")(key_writes.suspend_key)
app.command("resume")(key_writes.resume_key)
app.command("renew")(key_writes.renew_key)
app.command("extend")(key_writes.extend_key)
app.command("reset-quota")(key_writes.reset_quota)
app.command("delete")(key_writes.delete_key)
app.command("audit-hashes")(key_reads.audit_hashes)
