// What stands on the wall is old from the moment it cannot be read anew, and says so.

const stale = document.getElementById("stale");

document.body.addEventListener("htmx:afterRequest", (event) => {
  stale.hidden = event.detail.successful;
});
