//! Fairway walks its own path: the files that it reads of others hold for its own repository.

/// The same words that a check run would show.
#[test]
fn our_own_pipelines_are_read_without_a_problem() {
    let project = fairway::domain::project::parse(include_str!("../fairway.toml"));
    let project = project.unwrap_or_else(|problems| panic!("fairway.toml: {problems:#?}"));
    let names: Vec<&str> = project.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
    assert_eq!(names, ["lint", "test"]);
}
