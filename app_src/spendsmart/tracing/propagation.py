"""How a trace comes in and goes on: by the load balancer's header to us, by `traceparent` in Celery's messages."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import CarrierT, Getter, default_getter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from spendsmart.tracing import load_balancer

_GIVEN = contexts.create_key("trace id from the load balancer")


class Propagator(TraceContextTextMapPropagator):
    """A request has the load balancer's header, and its `traceparent`, which comes from outside, is left unread."""

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        header = getter.get(carrier, load_balancer.HEADER)
        if not header:
            return super().extract(carrier, context, getter)
        current = contexts.get_current() if context is None else context
        given = load_balancer.trace_id(header[0])
        return contexts.set_value(_GIVEN, int(given, 16), current) if given else current


class IdGenerator(RandomIdGenerator):
    """The load balancer sends no span of its own that ours could have as parent: its id becomes that of our root."""

    def generate_trace_id(self) -> int:
        given = contexts.get_value(_GIVEN)
        return given if isinstance(given, int) else super().generate_trace_id()


class _RootSampler(Sampler):
    """Traces begin with a request or a task: a query or a poll outside of both is no trace of its own."""

    def __init__(self, share: float) -> None:
        self._share = TraceIdRatioBased(share)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if kind not in (SpanKind.SERVER, SpanKind.CONSUMER):
            return SamplingResult(Decision.DROP)
        return self._share.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"requests and tasks, {self._share.get_description()}"


def sampler(percent: float) -> Sampler:
    """This share of requests and scheduled tasks; what they cause is in a trace, or not, with them."""
    return ParentBased(_RootSampler(percent / 100))
