"""Recurrent layers, their cells, and what goes around layers to run them over time."""

from phasewise.layers.recurrent.bidirectional import Bidirectional as Bidirectional
from phasewise.layers.recurrent.conv_lstm import ConvLSTM1D as ConvLSTM1D
from phasewise.layers.recurrent.conv_lstm import ConvLSTM2D as ConvLSTM2D
from phasewise.layers.recurrent.conv_lstm import ConvLSTM3D as ConvLSTM3D
from phasewise.layers.recurrent.conv_lstm_cell import ConvLSTMCell as ConvLSTMCell
from phasewise.layers.recurrent.gru import GRU as GRU
from phasewise.layers.recurrent.gru import GRUCell as GRUCell
from phasewise.layers.recurrent.lstm import LSTM as LSTM
from phasewise.layers.recurrent.lstm import LSTMCell as LSTMCell
from phasewise.layers.recurrent.rnn import RNN as RNN
from phasewise.layers.recurrent.simple_rnn import SimpleRNN as SimpleRNN
from phasewise.layers.recurrent.simple_rnn import SimpleRNNCell as SimpleRNNCell
from phasewise.layers.recurrent.stacked_rnn_cells import StackedRNNCells as StackedRNNCells
from phasewise.layers.recurrent.time_distributed import TimeDistributed as TimeDistributed
