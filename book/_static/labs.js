// The labs: each setting of the sliders has its picture, which takes the place of the stored one.
document.addEventListener("DOMContentLoaded", () => {
  for (const lab of document.querySelectorAll(".lab")) {
    const image = lab.closest(".cell_output").querySelector("img");
    const frames = JSON.parse(lab.dataset.frames);
    const controls = [...lab.querySelectorAll("input, select")];

    const show = () => {
      let at = 0;
      for (const control of controls) {
        const slides = control.type === "range";
        const stop = slides ? control.valueAsNumber : control.selectedIndex;
        const said = slides ? JSON.parse(control.dataset.said) : control.options;
        at = at * said.length + stop;
        if (slides) {
          control.setAttribute("aria-valuetext", said[stop]);
          control.nextElementSibling.textContent = said[stop];
        }
      }
      [image.src, image.alt] = frames[at];
    };

    image.lang = "en"; // as the words in it
    lab.addEventListener("input", show);
    // all are fetched before they are wanted: none flickers
    const fetched = frames.map(() => new Image());
    const fetchAll = () => fetched.forEach((one, i) => (one.src = frames[i][0]));
    for (const event of ["focusin", "pointerover"])
      lab.addEventListener(event, fetchAll, { once: true });
    show();
    lab.hidden = false;
  }
});
