document.addEventListener("DOMContentLoaded", () => {
  // The theme's buttons say what they do, and nothing else than what is written on them.
  for (const summary of document.querySelectorAll("nav details > summary"))
    summary.setAttribute("aria-label", "Pages below: " + summary.closest("li").querySelector("a").textContent.trim());
  for (const named of document.querySelectorAll(".search-button-field, details.hide > summary")) named.removeAttribute("aria-label");

  // What scrolls sideways can be reached and scrolled by keyboard.
  for (const image of document.querySelectorAll(".cell_output img, p > img")) image.parentElement.classList.add("picture");
  const reach = () => {
    for (const box of document.querySelectorAll(".picture, pre, div.math, .pst-scrollable-table-container, .cell_output .output"))
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  };
  reach();
  for (const event of ["load", "resize"]) addEventListener(event, reach);
});
