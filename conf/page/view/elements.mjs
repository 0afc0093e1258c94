// Elements made of texts: nothing that was received is ever taken for HTML.

export const element = (tag, properties = {}, ...children) => {
    const made = document.createElement(tag);

    Object.assign(made, properties);
    made.append(...children);

    return made;
};

export const byId = (id) => document.getElementById(id);

export const clock = (time) => new Date(time).toLocaleTimeString([],
    { hour: '2-digit', minute: '2-digit', second: '2-digit' });
