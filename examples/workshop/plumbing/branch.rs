//! The branch of the workshop that a customer talks to: a member of the baggage, not of any body.

use tower_observability::request;

/// Notes the branch on this request's span and line, if whoever began the trace has named it.
pub(crate) fn note_branch() {
    if let Some(branch) = request::baggage().get("branch") {
        request::add("branch", branch.to_owned());
    }
}
