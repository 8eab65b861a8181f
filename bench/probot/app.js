// A Probot app that handles pull requests and does nothing: what is measured is Probot itself.
export default (app) => {
  app.on("pull_request", () => {});
};
