"""The order of the steps, on one page, with the reason for each place.

1. guard        first: a definition we cannot honour must not even look at a credential
2. track_endpoint   before any refusal, so that usage tells those of an endpoint, too
3. auth_token / jwt   who calls; nothing after this line works without it
4. revoked      an end that somebody put to it counts before any other
5. standing     an inactive or expired key is told so before it learns what it may do (K-22 before A-2)
6. rights       what this caller may do here
7. first_use    a token without rights here is not used up, and a replay costs its owner nothing
8. admit        last of the checks, so that a request refused by any other costs nothing
9. strip_credential   a change, made only to requests that will travel
10. upstream_headers   after it, as a claim may stand where the credential was
"""

from collections.abc import Sequence

from propylon.errors import Problem
from propylon.model.api_definition import ApiDefinition
from propylon.steps.admit import Admit
from propylon.steps.auth_token import AuthToken
from propylon.steps.first_use import FirstUse
from propylon.steps.guard import Guard
from propylon.steps.jwt import Jwt
from propylon.steps.keyring import Keyring, PolicyBook
from propylon.steps.revoked import Revoked
from propylon.steps.rights import Rights
from propylon.steps.standing import Standing
from propylon.steps.step import Step, Surroundings
from propylon.steps.strip_credential import StripCredential
from propylon.steps.subjects import Subjects
from propylon.steps.track_endpoint import TrackEndpoint
from propylon.steps.upstream_headers import TellUpstream


def compile_steps(
    definition: ApiDefinition, guards: Sequence[Problem], keyring: Keyring, book: PolicyBook, surroundings: Surroundings
) -> tuple[Step, ...]:
    """The steps of one API; a feature that is off has none and costs nothing."""
    if guards:
        return (Guard(guards),)
    if definition.auth_mode == "keyless":
        return (*_tracked(definition), Admit(definition, surroundings), *_told(definition))
    settings = surroundings.settings
    identify: Step = (
        Jwt(definition, keyring, Subjects(definition, book), surroundings)
        if definition.auth_mode == "jwt"
        else AuthToken(definition, keyring, surroundings)
    )
    steps: list[Step] = [
        *_tracked(definition),
        identify,
        Revoked(surroundings.revocations, surroundings.clock),
        Standing(surroundings.clock),
        Rights(definition, allow_master_keys=settings.allow_master_keys),
    ]
    if definition.jwt is not None and definition.jwt.claims.once:
        steps.append(FirstUse(definition.api_id, surroundings))
    steps.append(Admit(definition, surroundings))
    if definition.strip_auth_data:
        steps.append(StripCredential(definition.credential))
    return (*steps, *_told(definition))


def _tracked(definition: ApiDefinition) -> tuple[Step, ...]:
    return (TrackEndpoint(definition.endpoints),) if any(definition.endpoints) else ()


def _told(definition: ApiDefinition) -> tuple[Step, ...]:
    return (TellUpstream(definition.upstream_headers),) if definition.upstream_headers.names else ()
