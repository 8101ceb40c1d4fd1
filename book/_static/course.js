// What scrolls sideways can be reached and scrolled by keyboard.
document.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll(".cell_output img, p > img")) image.parentElement.classList.add("picture");
  const reach = () => {
    for (const box of document.querySelectorAll(".picture, pre, div.math, .pst-scrollable-table-container, .cell_output .output"))
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  };
  reach();
  addEventListener("resize", reach);
});
