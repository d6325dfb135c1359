//! Who answers. For now what the operator configured for the model that was asked for.

use std::sync::Arc;

use crate::chat::Request;
use crate::config::Target;
use crate::error::Error;
use crate::exchange::Exchange;

/// The targets to try, in order.
///
/// # Errors
/// When no target is configured for the model.
pub(crate) fn choose(x: &Exchange, request: &Request) -> Result<Vec<Arc<Target>>, Error> {
    let settings = &x.generation.settings;
    let model = settings.models.get(&request.model).unwrap_or(&settings.any_model);
    if model.targets.is_empty() {
        return Err(Error::unknown_model(&request.model));
    }
    Ok(model.targets.clone())
}
