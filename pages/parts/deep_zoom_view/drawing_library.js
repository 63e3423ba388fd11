// OpenSeadragon, which draws the slide.

let drawingLibrary = null;

// OpenSeadragon is UMD: it is injected once, as a script of our own origin.
function loadDrawingLibrary(address) {
  if (window.OpenSeadragon) return Promise.resolve(window.OpenSeadragon);
  if (drawingLibrary) return drawingLibrary;
  drawingLibrary = new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.OpenSeadragon);
    script.onerror = () => {
      drawingLibrary = null;
      reject(new Error("The viewer's drawing library did not load."));
    };
    document.head.append(script);
  });
  return drawingLibrary;
}
