// The door to Streamlit: one room per mount, called again for each new data, closed when the page is left.

export default function mount(component) {
  const parent = component.parentElement;
  const known = rooms.get(parent);
  if (known) {
    known.emit = component;
    known.update(component.data);
  } else {
    rooms.set(parent, new StripRoom(parent, component));
  }
  return () => {
    const room = rooms.get(parent);
    if (room) room.close();
    rooms.delete(parent);
  };
}
