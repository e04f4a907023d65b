//! SIGHUP: `blindlistd.toml` is read again. One that cannot be read changes nothing.

use std::sync::Arc;

use blindlist_transport::Control;

use crate::Error;
use crate::config::Config;
use crate::home::Home;
use crate::service::Service;

/// A server that runs, and the configuration that it runs with.
pub(super) struct Running {
    pub(super) home: Home,
    pub(super) service: Arc<Service>,
    pub(super) control: Control,
    pub(super) config: Config,
}

impl Running {
    /// Takes over what can be changed while the server runs, and says what cannot.
    pub(super) fn reload(&mut self) {
        match self.take_over() {
            Ok(()) => tracing::info!("SIGHUP: blindlistd.toml was read again; its limits and rate hold from now on"),
            Err(error) => tracing::error!(%error, "SIGHUP: nothing was changed"),
        }
    }

    fn take_over(&mut self) -> Result<(), Error> {
        let new = self.home.config()?;
        for key in fixed(&self.config, &new) {
            tracing::warn!("SIGHUP: {key} was changed; that holds from the next start on");
        }
        self.control.set_limits(new.limits.transport());
        self.service.set_places(&new.limits);
        self.service.set_rate(new.rate);
        // What the server runs with stays what later changes are held against.
        let limits = crate::config::Limits { megabytes: self.config.limits.megabytes, ..new.limits };
        self.config = Config { rate: new.rate, limits, addresses: new.addresses, ..self.config.clone() };
        Ok(())
    }
}

/// The keys that differ and that a server reads when it starts. (Bundles and epochs take `addresses` from the file.)
fn fixed(old: &Config, new: &Config) -> Vec<&'static str> {
    let keys = [
        ("operator", old.operator != new.operator),
        ("listen", old.listen != new.listen),
        ("admin", old.admin != new.admin),
        ("admin_token_file", old.admin_token_file != new.admin_token_file),
        ("ledger", old.ledger != new.ledger),
        ("limits.megabytes", old.limits.megabytes != new.limits.megabytes),
    ];
    keys.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
}
