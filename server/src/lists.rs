//! `lists`: what is live, as a table.

use crate::catalog;
use crate::home::Home;
use crate::show::{self, Heading};
use crate::{Error, releases};

pub(crate) async fn table(home: &Home) -> Result<String, Error> {
    let operator_key = home.operator_key()?;
    let ledger = home.ledger().await?;
    let snapshot = catalog::current(home, &ledger, &operator_key).await;
    ledger.close().await;
    let snapshot = snapshot?;
    let mut rows = Vec::new();
    for release in releases::live(home, &snapshot.catalog, &operator_key)? {
        let manifest = &release.manifest;
        release.open_index()?;
        rows.push([
            manifest.list.to_string(),
            show::short(&manifest.release),
            show::count(manifest.people()),
            manifest.dictionary.categories().len().to_string(),
            manifest.false_positive_bits.to_string(),
            show::date(manifest.created),
            show::bytes(manifest.index_length),
            match &manifest.audience[..] {
                [] => "all".to_owned(),
                [one] => one.to_string(),
                named => show::counted(named.len() as u64, "insurer"),
            },
            release.digest.to_string(),
        ]);
    }
    let columns = [
        Heading::Text("list"),
        Heading::Text("release"),
        Heading::Number("people"),
        Heading::Number("categories"),
        Heading::Number("f"),
        Heading::Text("created"),
        Heading::Number("index"),
        Heading::Text("audience"),
        Heading::Text("manifest"),
    ];
    let lists = if rows.is_empty() { "No list is live.\n".to_owned() } else { show::table(columns, &rows) };
    let catalog = show::fields(&[
        ("catalog", format!("{} (sequence {})", snapshot.digest(), snapshot.catalog.sequence)),
        ("issued", show::date(snapshot.catalog.issued)),
        ("expires", show::date(snapshot.catalog.expires)),
    ]);
    Ok(format!("{lists}\n{catalog}"))
}
