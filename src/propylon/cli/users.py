"""`propylon users`: users of the dashboard, in the records themselves. So an owner who is locked out gets in."""

from typing import Annotated, Final

import typer

from propylon.cli.ending import NO, WRONG_USE, stop
from propylon.cli.own_records import OPERATOR, Config, OwnDesk, with_records
from propylon.cli.printing import pairs, table
from propylon.control.people.credentials import reset_password, revoke
from propylon.control.people.users import ALL_MAX, create_user, list_users
from propylon.stores.records.people import UserRow

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Users of the dashboard, in the records themselves.")

Email = Annotated[str, typer.Argument(help="E-mail address of the user.")]
Org = Annotated[str, typer.Option(help="Organisation; needed where the address is that of several users.")]
Admin = Annotated[bool, typer.Option("--admin", help="May do everything.")]
Allow = Annotated[list[str] | None, typer.Option(help="AREA=read or AREA=write, as keys=write; repeat it.")]
ADMIN_PERMISSIONS: Final = {"IsAdmin": "admin"}


@app.command("create")
def create(email: Email, org: Org = "", admin: Admin = False, allow: Allow = None, config: Config = None) -> None:
    """Make a user and print a temporary password and the access key, once."""
    permissions = ADMIN_PERMISSIONS if admin else dict(_permission(one) for one in allow or [])

    async def work(desk: OwnDesk) -> list[tuple[str, object]]:
        said = {"email_address": email, "user_permissions": permissions}
        made = await create_user(desk, OPERATOR, said | ({"org_id": org} if org else {}), with_temporary=True)
        user = [("email", made.user.email), ("org_id", made.user.org_id), ("id", made.user.id)]
        return [*user, ("password", made.password), ("access_key", made.access_key)]

    pairs(with_records(config, work))


@app.command("list")
def list_all(org: Org = "", config: Config = None) -> None:
    """List users by e-mail address."""

    async def work(desk: OwnDesk) -> list[UserRow]:
        caller = OPERATOR._replace(org_id=org or None)
        return (await list_users(desk, caller, page=0))[0]

    rows = with_records(config, work)
    shown = [(row.email, row.org_id, bool(row.active), row.permissions, row.id) for row in rows]
    table(("email", "org_id", "active", "permissions", "id"), shown)
    if len(rows) == ALL_MAX:
        print(f"These are the first {ALL_MAX}; narrow them by --org.")


@app.command("reset-password")
def reset(email: Email, org: Org = "", config: Config = None) -> None:
    """Print a temporary password; the user has to change it when they sign in. Ends their sign-ins."""

    async def work(desk: OwnDesk) -> str:
        return await reset_password(desk, OPERATOR, (await _user(desk, email, org)).id)

    pairs([("password", with_records(config, work))])


@app.command("deactivate")
def deactivate(email: Email, org: Org = "", config: Config = None) -> None:
    """End a user's sign-ins and access key; they are not let in again."""

    async def work(desk: OwnDesk) -> None:
        await revoke(desk, OPERATOR, (await _user(desk, email, org)).id)

    with_records(config, work)


async def _user(desk: OwnDesk, email: str, org: str) -> UserRow:
    rows = await desk.records.people.users_of_email(email.strip().lower(), org or None)
    if not rows:
        stop(NO, f"no user has the address {email}; see them all with: propylon users list")
    if len(rows) > 1:
        stop(
            NO,
            f"several users have the address {email}; choose one with --org: {', '.join(row.org_id for row in rows)}",
        )
    return rows[0]


def _permission(text: str) -> tuple[str, str]:
    area, separator, level = text.partition("=")
    if not separator:
        stop(WRONG_USE, f"--allow {text}: write AREA=read or AREA=write, as keys=write")
    return area, level
