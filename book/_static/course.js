document.addEventListener("DOMContentLoaded", () => {
  const chinese = document.documentElement.lang.startsWith("zh");

  // The theme's buttons say what they do, and nothing else than what is written on them.
  const below = chinese ? "下面的页面：" : "Pages below: ";
  for (const summary of document.querySelectorAll("nav details > summary"))
    summary.setAttribute("aria-label", below + summary.closest("li").querySelector("a").textContent.trim());
  for (const named of document.querySelectorAll(".search-button-field, details.hide > summary")) named.removeAttribute("aria-label");

  // A figure fits the page; a tap, a click or Enter opens it large.
  const [enlarge, enlarged, close] = chinese ? ["放大", "放大的图", "关闭"] : ["Enlarge", "The figure, large", "Close"];
  const large = document.createElement("dialog");
  large.className = "large";
  large.setAttribute("aria-label", enlarged);
  large.onclick = () => large.close();
  document.body.append(large);
  const button = document.createElement("button");
  button.textContent = close;
  for (const image of document.querySelectorAll(".cell_output img, p > img")) {
    image.tabIndex = 0;
    image.title = enlarge;
    image.setAttribute("role", "button");
    image.setAttribute("aria-haspopup", "dialog");
    image.onclick = () => {
      const { src, alt, lang } = image;
      large.replaceChildren(button, Object.assign(new Image(), { src, alt, lang }));
      large.showModal();
    };
    image.onkeydown = (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      image.click();
    };
  }

  // What scrolls sideways can be reached and scrolled by keyboard.
  const reach = () => {
    for (const box of document.querySelectorAll("pre, div.math, .pst-scrollable-table-container, .cell_output .output"))
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  };
  reach();
  for (const event of ["load", "resize"]) addEventListener(event, reach);
});
