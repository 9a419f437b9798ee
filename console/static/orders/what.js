// Step 2: a problem leads to its field, also into a language that is not shown.

const shown = (language) => document.querySelector(`[name="shown"][value="${CSS.escape(language)}"]`);

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#f-"]');
  const field = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!field) return;
  event.preventDefault();
  open(field);
});

function open(field) {
  const panel = field.closest("[data-language]");
  if (panel) shown(panel.dataset.language).checked = true;
  field.closest("details")?.setAttribute("open", "");
  field.focus();
  field.scrollIntoView({ block: "center" });
}

// The texts change under an officer's hands only when they were not their own: the language stays the one they look at.
let looked = "ja";
document.addEventListener("change", (event) => {
  if (event.target.name === "shown") looked = event.target.value;
});
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "texts") (shown(looked) ?? shown("ja")).checked = true;
});

const named = location.hash.startsWith("#f-") && document.getElementById(decodeURIComponent(location.hash.slice(1)));
if (named) open(named);
