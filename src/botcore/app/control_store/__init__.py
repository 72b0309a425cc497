"""The store of the control process, as control asks for it.

Takes in a database's URL; gives out everything that control's ports want of it. Statements stand in
`storage.control`; what is here turns its rows into control's values.
"""

from botcore.app.control_store.opening import ControlStores, open_control

__all__ = ["ControlStores", "open_control"]
