//! The end of an exchange: what was reserved for it is settled, and the log has its line.

use tokio::time::Instant;
use tracing::info;

use super::{ANSWERED, CALLER_GONE, End, Ending, Exchange, PROVIDER_ERROR, PROVIDER_REFUSED, milliseconds};
use crate::money::Money;
use crate::plugin::summary;

impl Exchange {
    /// The exchange is over. Only the first call counts.
    pub fn end(&self, end: End<'_>) {
        let mut record = self.record();
        if record.ending.is_some() {
            return;
        }
        if let Some(reservation) = self.reservation() {
            reservation.settle();
        }
        let exchange = &*self.id;
        let (model, streaming) = (record.model.as_str(), record.streaming);
        let target = record.attempts.last().map(|attempt| attempt.target.name.as_str());
        let attempts = record.attempts.len();
        let ms = milliseconds(self.elapsed());
        let generation = self.generation.number;
        let calls = record.calls;
        let not_inspected = record.not_inspected.len();
        let left_out = (!record.left_out.is_empty()).then(|| record.left_out.len());
        let unmetered = record.unmetered.then_some(true);
        let routed = record.routed.as_ref().map(|(decision, _)| decision.word());
        let intent = record.routed.as_ref().and_then(|(_, intent)| intent.as_deref());
        let escalated = record.escalated.as_ref();
        let (escalation, queue) =
            (escalated.map(|(reference, _)| reference.as_str()), escalated.map(|(_, queue)| queue.as_str()));
        let served = record.served.as_ref();
        let cache = served.map(|served| served.state.word());
        let saved_usd = served.filter(|served| served.saved > Money::ZERO);
        let saved_usd = saved_usd.map(|served| tracing::field::display(served.saved));
        let dialect = self.dialect.word();
        let (tenant, key, user) = (&*self.tenant, self.caller.key.as_deref(), self.caller.user.as_deref());
        let tags = (!self.caller.tags.is_empty()).then(|| self.caller.tags.join(","));
        let plugins = summary(&record.receipts);
        let usage = record.usage();
        let (input_tokens, output_tokens) =
            (usage.map(|usage| usage.input_tokens), usage.map(|usage| usage.output_tokens));
        let cost = record.cost();
        let cost_usd =
            (cost.attempts > cost.unknown || cost.known > Money::ZERO).then(|| tracing::field::display(cost.known));
        let priced = (cost.attempts > 0).then_some(cost.unknown == 0);
        let plugins_cost = record.plugins_cost();
        let plugins_usd = (plugins_cost > Money::ZERO).then(|| tracing::field::display(plugins_cost));
        let within = self.within.as_ref().map(|within| &*within.exchange);
        let asked_by = self.within.as_ref().map(|within| &*within.plugin);
        let ending = match end {
            // What a provider says of an error is passed on, and no answer.
            End::Answered => Ending::plain(match (record.told, record.status.map(|status| status.as_u16())) {
                (Some(told), _) => told,
                // These are about the provider, or the operator's account there.
                (None, Some(401 | 402 | 403 | 408 | 429 | 500..)) => PROVIDER_ERROR,
                (None, Some(400..)) => PROVIDER_REFUSED,
                (None, Some(_) | None) => ANSWERED,
            }),
            End::CallerGone => Ending::plain(CALLER_GONE),
            End::Failed(error) => Ending::of(error),
        };
        let Ending { outcome, code, plugin, detail, is_a_strangers: _ } = &ending;
        let (code, plugin, detail) = (code.as_deref(), plugin.as_deref(), detail.as_deref());
        let status = record.status.map(|status| status.as_u16());
        info!(
            exchange,
            outcome,
            status,
            code,
            plugin,
            detail,
            tenant,
            key,
            user,
            tags,
            dialect,
            model,
            intent,
            routed,
            escalation,
            queue,
            cache,
            saved_usd,
            target,
            attempts,
            streaming,
            ms,
            generation,
            calls,
            plugins,
            not_inspected,
            left_out,
            unmetered,
            input_tokens,
            output_tokens,
            cost_usd,
            priced,
            plugins_usd,
            within,
            asked_by,
            "exchange ended"
        );
        record.ending = Some((ending, Instant::now()));
    }
}
