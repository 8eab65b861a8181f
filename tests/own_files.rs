//! Fairway walks its own path: the files that it reads of others hold for its own repository.

/// The same words that a check run would show.
#[test]
fn our_own_pipelines_are_read_without_a_problem() {
    let project = fairway::domain::project::parse(include_str!("../fairway.toml"));
    let project = project.unwrap_or_else(|problems| panic!("fairway.toml: {problems:#?}"));
    let names: Vec<&str> = project.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
    assert_eq!(names, ["lint", "test"]);
}

/// What people copy names settings; one that is not there would be refused at their start.
#[test]
fn every_setting_that_our_files_name_is_one() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known: Vec<String> = fairway::settings::SETTINGS.iter().map(|s| format!("FAIRWAY_{}", s.key)).collect();
    known.extend(known.clone().into_iter().map(|name| format!("{name}_FILE")));
    known.extend(["FAIRWAY_CONFIG".to_owned(), "FAIRWAY_TRY".to_owned(), "FAIRWAY_CACHE_SCOPE".to_owned()]);
    let files = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/dagger.md",
        "docs/settings.md",
        "deploy/README.md",
        "deploy/compose.yml",
        "deploy/kubernetes/fairway.yaml",
        "fly.toml",
        "Dockerfile",
        "app-manifest.yml",
    ];
    let mut seen = 0;
    for file in files {
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        for word in words.filter(|word| word.starts_with("FAIRWAY_") && !word.starts_with("FAIRWAY_TEST_")) {
            assert!(
                word == "FAIRWAY_" || known.iter().any(|name| name == word),
                "{file} names {word}, which is no setting"
            );
            seen += 1;
        }
    }
    assert!(seen > 60, "the files are not read: {seen}");
}
